"""From features to numbers: the arithmetic under every metric, without an engine. Rows in, numbers out."""
