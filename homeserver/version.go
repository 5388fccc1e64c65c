package homeserver

import (
	"runtime/debug"
	"strings"
)

// release is the version that is being made.
const release = "0.1.0"

// Version returns the version of this program, with the commit that it was
// built from where the build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	if v := strings.TrimPrefix(info.Main.Version, "v"); v != "" && v != "(devel)" && !strings.Contains(v, "-") {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + "+" + s.Value[:12]
		}
	}
	return release
}
