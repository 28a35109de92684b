//go:build !linux || !cgo

package main

// The server needs Linux, and C for SQLite. Built for anything else, or without C, this
// program is the client alone.

func serverCommands() []command { return nil }

func isSetting(string) bool { return false }

func (p *program) printSettings(string) {}
