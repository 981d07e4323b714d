/** Tests of the Kubernetes manifests, without a cluster. */
@NullMarked
package dev.sluice.deploy;

import org.jspecify.annotations.NullMarked;
