"""Networks: torch modules and nothing else. How they are trained lies in `training`, what they are for in `models`."""
