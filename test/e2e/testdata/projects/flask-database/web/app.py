"""A list of visitors, kept by the database beside it."""

import json
import os
import socket

from flask import Flask, redirect, request

app = Flask(__name__)


def query(sql, *arguments):
    with socket.create_connection((os.environ["DATABASE_HOST"], 5433), timeout=5) as connection:
        message = {"password": os.environ["DATABASE_PASSWORD"], "sql": sql, "arguments": arguments}
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(message) + "\n")
            stream.flush()
            return json.loads(stream.readline())["rows"]


@app.get("/")
def show():
    rows = query("SELECT name FROM visitors ORDER BY rowid")
    names = "".join(f"<li>{name}</li>" for (name,) in rows)
    return f'<!DOCTYPE html><title>Visitors</title><h1>Visitors</h1><ul>{names}</ul><form method="post"><input name="name"><button>Sign</button></form>'


@app.post("/")
def sign():
    query("INSERT INTO visitors VALUES (?)", request.form["name"])
    return redirect(request.headers.get("X-Forwarded-Prefix", "") + "/", 303)
