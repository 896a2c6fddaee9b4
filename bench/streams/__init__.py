"""One job, written for several stream processors: decode each record, store it once in Postgres, go on behind it.

Each job is a program of its own: ``python job.py BOOTSTRAP DATABASE_URL TOPIC GROUP`` consumes until it is ended.
"""
