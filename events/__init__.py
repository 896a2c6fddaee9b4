"""The vocabulary: every fact that can reach the tracker and every answer that leaves it, as frozen models."""
