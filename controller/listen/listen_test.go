package listen

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRead_GivesWhatListensAndNothingElse(t *testing.T) {
	const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 1 1 0 100 0 0 10 0
   1: 0B00007F:A2F1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0200A8C0:1F40 0300A8C0:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   3: nonsense
`
	const tcp6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
`
	found, err := Read(fstest.MapFS{"tcp": {Data: []byte(tcp)}, "tcp6": {Data: []byte(tcp6)}})
	if got := fmt.Sprint(found); err != nil || got != "[127.0.0.1:5000 [::]:8000 [::1]:80]" {
		t.Errorf("got %s, %v", got, err)
	}
	found, err = Read(fstest.MapFS{"tcp": {Data: []byte(tcp)}})
	if err != nil || len(found) != 1 {
		t.Errorf("without IPv6: %v, %v", found, err)
	}
}

func TestReceive_RefusesWhatIsNoAddress(t *testing.T) {
	var got []netip.AddrPort
	keep := func(found []netip.AddrPort) { got = found }
	if err := Receive(strings.NewReader("[\"0.0.0.0:80\"]\n"), keep); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"{}\n", "[\"x\"]\n", strings.Repeat("x", mostLine+1)} {
		if err := Receive(strings.NewReader(text), keep); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}
