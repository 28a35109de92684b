"""Settings of the server; gunicorn reads this file from the folder it starts in."""

import os

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
workers = 2
threads = 4
accesslog = "-"
