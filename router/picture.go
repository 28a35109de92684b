package router

import (
	"fmt"
	"path"
	"strings"

	"berth/controller/app"
)

// The measures of a picture of services, in its own units.
const (
	boxWidth  = 208
	boxHead   = 30 // height of a box with its name alone
	boxLine   = 19 // height of each further line
	boxGap    = 16 // between boxes side by side
	rowGap    = 34 // between rows, for the lines
	pillRoom  = 56 // above the first row, for the route
	perRow    = 2  // boxes side by side: letters stay readable on a phone
	mostBoxes = 24
	mostLine  = 27 // letters in a line
)

// picture is a drawing of services: rows of boxes, and lines to what each one uses.
type picture struct {
	Width, Height int
	Boxes         []pictureBox
	Lines         []pictureLine
	Route         string // what leads to the first box; empty for none
	RouteX        int
	Label         string // the same in words
}

type pictureBox struct {
	X, Y, Width, Height int // of the outline
	Name                string
	Main                bool
	Loosened            bool
	Lines               []pictureText
}

type pictureText struct {
	X, Y   int
	Text   string
	Volume bool
}

type pictureLine struct{ X1, Y1, X2, Y2 int }

// NameX is where the name begins.
func (b pictureBox) NameX() int { return b.X + 12 }

// NameY is the line that the name stands on.
func (b pictureBox) NameY() int { return b.Y + 21 }

// drawServices draws the services of a preview; nil where there are none or too many.
func drawServices(services []plannedService) *picture {
	if len(services) == 0 || len(services) > mostBoxes || services[0].Kind == "" {
		return nil
	}
	rows, widest := rowsOf(services), 1
	for _, row := range rows {
		widest = max(widest, len(row))
	}
	drawn := &picture{Width: widest*boxWidth + (widest-1)*boxGap}
	places := map[string]int{} // of boxes, by service
	y := pillRoom
	for _, row := range rows {
		width := len(row)*boxWidth + (len(row)-1)*boxGap
		x, tallest := (drawn.Width-width)/2, 0
		for _, service := range row {
			box := boxOf(service, x, y)
			places[service.Name] = len(drawn.Boxes)
			drawn.Boxes = append(drawn.Boxes, box)
			tallest = max(tallest, box.Height)
			x += boxWidth + boxGap
		}
		y += tallest + rowGap
	}
	drawn.Height = y - rowGap + 2
	drawn.connect(services, places)
	return drawn
}

// Outer is the width with the edges.
func (p picture) Outer() int { return p.Width + 2 }

// connect draws the route and what each service uses, and says both in words.
func (p *picture) connect(services []plannedService, places map[string]int) {
	var said []string
	for _, service := range services {
		box := p.Boxes[places[service.Name]]
		if service.Main {
			p.Route, p.RouteX = "Route", box.X+boxWidth/2
			if service.Port != 0 {
				p.Route = fmt.Sprintf("Route, port %d", service.Port)
			}
			said = append(said, "the route leads to "+service.Name)
		}
		for _, route := range service.Routes {
			said = append(said, "the route "+route.String())
		}
		for _, name := range service.Uses {
			at, found := places[name]
			if !found {
				continue
			}
			other := p.Boxes[at]
			p.Lines = append(p.Lines, pictureLine{box.X + boxWidth/2, box.Y + box.Height, other.X + boxWidth/2, other.Y})
			said = append(said, service.Name+" uses "+name)
		}
		for _, volume := range service.Volumes {
			said = append(said, service.Name+" has the volume "+strings.Replace(volume, ":", " at ", 1))
		}
	}
	p.Label = "Services: " + strings.Join(said, "; ")
}

// rowsOf puts the services into rows: first those that no other one uses, with the main
// one in front, and each below all that use it.
func rowsOf(services []plannedService) [][]plannedService {
	levels := levelsOf(services)
	var rows [][]plannedService
	for level := range len(services) {
		var row []plannedService
		for _, service := range services {
			switch {
			case levels[service.Name] != level:
			case service.Main:
				row = append([]plannedService{service}, row...)
			default:
				row = append(row, service)
			}
		}
		for ; len(row) > perRow; row = row[perRow:] {
			rows = append(rows, row[:perRow])
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// levelsOf gives each service a level below all services that use it. The services come in
// the order in which they start, so those that are used come first.
func levelsOf(services []plannedService) map[string]int {
	levels := map[string]int{}
	for i := len(services) - 1; i >= 0; i-- {
		for _, name := range services[i].Uses {
			levels[name] = max(levels[name], levels[services[i].Name]+1)
		}
	}
	for name, level := range levels {
		levels[name] = min(level, len(services)-1)
	}
	return levels
}

func boxOf(service plannedService, x, y int) pictureBox {
	box := pictureBox{X: x, Y: y, Width: boxWidth, Height: boxHead, Name: shorten(service.Name, 22), Main: service.Main, Loosened: len(service.Loosens) > 0}
	add := func(text string, volume bool) {
		line := pictureText{X: x + 12, Y: box.Y + box.Height + 9, Text: shorten(text, mostLine), Volume: volume}
		if volume {
			line.X += 18
			line.Text = shorten(text, mostLine-3)
		}
		box.Lines = append(box.Lines, line)
		box.Height += boxLine
	}
	add(madeOf(service.ServicePreview), false)
	for _, route := range service.Routes {
		text := "route " + route.Route
		if route.Port != 0 {
			text = fmt.Sprintf("route %s, port %d", shorten(route.Route, mostLine-18), route.Port)
		}
		add(text, false)
	}
	for _, volume := range service.Volumes {
		add(volume, true)
	}
	box.Height += 6
	return box
}

// madeOf says shortly what a service is made of.
func madeOf(service app.ServicePreview) string {
	text := "built by Berth"
	switch {
	case service.Image != "":
		text = path.Base(service.Image)
	case service.Build != "":
		text = service.Build
	}
	if service.Copies > 1 {
		text = fmt.Sprintf("%s ×%d", shorten(text, mostLine-4), service.Copies)
	}
	return text
}

// shorten cuts a text that is too long for its line.
func shorten(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}

// VolumeX is the middle of the sign of a volume.
func (t pictureText) VolumeX() int { return t.X - 11 }

// VolumeLeft is the left edge of the sign of a volume.
func (t pictureText) VolumeLeft() float64 { return float64(t.X) - 16.5 }

// VolumeTop is the upper edge of the sign of a volume.
func (t pictureText) VolumeTop() int { return t.Y - 9 }
