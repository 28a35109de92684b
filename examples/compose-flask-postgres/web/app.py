"""A counter of visits, kept in PostgreSQL."""

import os

import psycopg
from flask import Flask

app = Flask(__name__)


def connect():
    return psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        user=os.environ["DATABASE_USER"],
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=5,
    )


@app.get("/health")
def health():
    return "ok\n"


@app.get("/")
def visit():
    with connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visit (at timestamptz NOT NULL DEFAULT now())")
        connection.execute("INSERT INTO visit DEFAULT VALUES")
        (count,) = connection.execute("SELECT count(*) FROM visit").fetchone()
    return f"This is visit {count}.\n"
