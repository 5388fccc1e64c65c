package config

import (
	"fmt"
	"strconv"
)

// Minimal returns the text of a settings file for a server with a name, and
// with a database unless that is "".
func Minimal(serverName, database string) (string, error) {
	text := "# Written by \"plenum restore\". \"plenum config example\" shows all that can be set.\nserver_name = " + strconv.Quote(serverName) + "\n"
	if database != "" {
		text += "\n[database]\nurl = " + strconv.Quote(database) + "\n"
	}
	c, err := Parse(text)
	if err == nil && (c.ServerName != serverName || c.Database.URL != database) {
		err = fmt.Errorf("%q or %q cannot be written into a file", serverName, database)
	}
	return text, err
}
