//go:build integration

package router

import "testing"

// TestBrowser_FaultsAreLiftedOnTheForm sends an archive that is refused, takes what the
// form offers, and sends it again without choosing the file once more.
func TestBrowser_FaultsAreLiftedOnTheForm(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	(&preview{window: w, look: newAxe(w).check}).uploadFaults(t)
	w.mustBeClean()
}
