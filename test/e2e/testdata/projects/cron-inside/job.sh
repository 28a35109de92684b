count=$(cat /tmp/count 2>/dev/null || echo 0)
echo $((count + 1)) >/tmp/count.new
mv /tmp/count.new /tmp/count
