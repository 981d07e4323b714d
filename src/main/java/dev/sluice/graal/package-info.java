/** What a native executable needs and Quarkus does not have. */
package dev.sluice.graal;
