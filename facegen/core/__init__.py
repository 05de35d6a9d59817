"""Values and services that know no face: errors, animation, files, registry, threads and the like."""
