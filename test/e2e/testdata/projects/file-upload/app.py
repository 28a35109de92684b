"""Files that people send, kept in a folder."""

import pathlib

from flask import Flask, request, send_from_directory

app = Flask(__name__)
FOLDER = pathlib.Path("/app/uploads")


@app.route("/", methods=["GET", "POST"])
def files():
    if request.method == "POST":
        sent = request.files["file"]
        sent.save(FOLDER / pathlib.Path(sent.filename).name)
    prefix = request.headers.get("X-Forwarded-Prefix", "")
    names = "".join(f'<li><a href="{prefix}/files/{file.name}">{file.name}</a></li>' for file in sorted(FOLDER.iterdir()))
    return f'<!DOCTYPE html><title>Files</title><h1>Files</h1><ul>{names}</ul><form method="post" enctype="multipart/form-data"><input type="file" name="file"><button>Send</button></form>'


@app.get("/files/<name>")
def file(name):
    return send_from_directory(FOLDER, name)
