//go:build linux && cgo

package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"
)

// TestPaced_WebSocketOutlivesThePace goes through the server's writer and Gin's, as the
// events of the API do.
func TestPaced_WebSocketOutlivesThePace(t *testing.T) {
	t.Parallel()
	const still = 50 * time.Millisecond
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) {
		socket, err := websocket.Accept(c.Writer, c.Request, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		time.Sleep(3 * still)
		if err := socket.Write(c.Request.Context(), websocket.MessageText, []byte("late")); err != nil {
			t.Error(err)
		}
		_ = socket.Close(websocket.StatusNormalClosure, "")
	})
	server := httptest.NewUnstartedServer(paced(engine, still))
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelError)
	server.Start()
	defer server.Close()
	socket, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPClient: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	if _, text, err := socket.Read(t.Context()); err != nil || string(text) != "late" {
		t.Errorf("read %q, %v", text, err)
	}
}
