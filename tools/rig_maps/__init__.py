"""Control sets of other programs, and the maps to and from them."""
