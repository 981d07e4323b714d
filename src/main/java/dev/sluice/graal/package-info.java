/** What a native executable needs, or starts faster with, and Quarkus does not have. */
package dev.sluice.graal;
