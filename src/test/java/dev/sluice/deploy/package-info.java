/** What Kubernetes is told, checked without a cluster. */
@NullMarked
package dev.sluice.deploy;

import org.jspecify.annotations.NullMarked;
