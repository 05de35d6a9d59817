"""From speech to takes: recognize, animate, edit, and conversations."""
