"""Training of the portrait's refiner."""
