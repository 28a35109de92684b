"""A guestbook, kept in PostgreSQL."""

import os

import psycopg
from flask import Flask, redirect, render_template, request

app = Flask(__name__)


def connect():
    connection = psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        user=os.environ["DATABASE_USER"],
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=5,
    )
    connection.execute("CREATE TABLE IF NOT EXISTS entry (at timestamptz NOT NULL DEFAULT now(), text text NOT NULL)")
    return connection


@app.get("/health")
def health():
    return "ok\n"


@app.get("/")
def read():
    with connect() as connection:
        entries = connection.execute("SELECT at, text FROM entry ORDER BY at DESC LIMIT 100").fetchall()
    return render_template("book.html", entries=entries)


@app.post("/")
def write():
    text = request.form.get("text", "").strip()[:500]
    if text:
        with connect() as connection:
            connection.execute("INSERT INTO entry (text) VALUES (%s)", (text,))
    return redirect(request.headers.get("X-Forwarded-Prefix", "") + "/", code=303)
