"""The only package that knows Kafka, Postgres, the environment and the time."""
