"""How good a result is: metrics, reports and measures of portraits."""
