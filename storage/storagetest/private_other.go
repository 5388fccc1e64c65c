//go:build !linux

package storagetest

import "context"

// private knows where a server's programs are on Debian only.
func private(context.Context) (string, error) { return "", errNone }
