"""Reports on takes: what is measured of a sound and its animation together, as tables and as a page."""
