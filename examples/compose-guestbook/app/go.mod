module guestbook

go 1.25
