"""What must hold when things break: real servers, real workers, and faults that are counted."""
