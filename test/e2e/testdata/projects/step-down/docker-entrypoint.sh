#!/bin/sh
# Gives the content to the user of the web server, and goes on as that user.
set -e
if [ "$(id -u)" = 0 ]; then
	mkdir -p /var/www/html/content
	chown -R www-data:www-data /var/www/html/content
	exec setpriv --reuid=www-data --regid=www-data --clear-groups "$0" "$@"
fi
exec "$@"
