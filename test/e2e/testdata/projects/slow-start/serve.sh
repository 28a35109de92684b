echo 'loading classes'
sleep 20
echo 'started'
exec python3 -m http.server 8000 -d /app
