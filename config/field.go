package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// field is one setting, found by reflection.
type field struct {
	Section string // table in the file, "" at the top
	Name    string
	Doc     string
	Default string
	Example string // a value worth showing where the default shows nothing
	value   reflect.Value
}

// Key is the full name, such as listen.client.
func (f field) Key() string {
	if f.Section == "" {
		return f.Name
	}
	return f.Section + "." + f.Name
}

// Env is the environment variable of the setting.
func (f field) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Key(), ".", "_"))
}

// section is a table of the file with its settings.
type section struct {
	Name, Doc string
	Fields    []field
}

// sections lists the settings of c in the order of the struct, those at the
// top first.
func sections(c *Config) []section {
	all := []section{{}}
	root := reflect.ValueOf(c).Elem()
	for i := range root.NumField() {
		f, v := root.Type().Field(i), root.Field(i)
		switch {
		case !f.IsExported() || f.Tag.Get("toml") == "-":
		case v.Kind() == reflect.Struct:
			name := snake(f.Name)
			s := section{Name: name, Doc: f.Tag.Get("doc")}
			for j := range v.NumField() {
				s.Fields = append(s.Fields, newField(name, v.Type().Field(j), v.Field(j)))
			}
			all = append(all, s)
		default:
			all[0].Fields = append(all[0].Fields, newField("", f, v))
		}
	}
	return all
}

func newField(section string, f reflect.StructField, v reflect.Value) field {
	return field{
		Section: section,
		Name:    snake(f.Name),
		Doc:     f.Tag.Get("doc"),
		Default: f.Tag.Get("default"),
		Example: f.Tag.Get("example"),
		value:   v,
	}
}

// fields lists the settings of c by their keys.
func fields(c *Config) map[string]field {
	all := make(map[string]field)
	for _, s := range sections(c) {
		for _, f := range s.Fields {
			all[f.Key()] = f
		}
	}
	return all
}

// snake turns ACMEEmail into acme_email.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// setText sets f from a default or an environment variable. A list is cut at
// its commas.
func (f field) setText(text string) error {
	if u, ok := f.value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch f.value.Kind() {
	case reflect.String:
		f.value.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false, not %q", text)
		}
		f.value.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		f.value.SetInt(n)
	case reflect.Slice:
		f.value.Set(reflect.ValueOf(cutList(text)))
	default:
		panic("config: a setting of type " + f.value.Type().String())
	}
	return nil
}

// setTOML sets f from a value of the file.
func (f field) setTOML(v any) error {
	if _, ok := f.value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		switch v := v.(type) {
		case string:
			return f.setText(v)
		case int64:
			return f.setText(strconv.FormatInt(v, 10))
		}
		return fmt.Errorf("must be text in quotation marks, such as %q", f.sample())
	}
	switch f.value.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			return f.setText(s)
		}
		return fmt.Errorf("must be text in quotation marks")
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			f.value.SetBool(b)
			return nil
		}
		return fmt.Errorf("must be true or false, without quotation marks")
	case reflect.Int, reflect.Int64:
		if n, ok := v.(int64); ok {
			f.value.SetInt(n)
			return nil
		}
		return fmt.Errorf("must be a whole number, without quotation marks")
	}
	return f.setList(v)
}

func (f field) setList(v any) error {
	wrong := fmt.Errorf("must be a list of texts, such as [%q]", f.sample())
	items, ok := v.([]any)
	if !ok {
		return wrong
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return wrong
		}
		list = append(list, s)
	}
	f.value.Set(reflect.ValueOf(list))
	return nil
}

// sample is a value to show in messages and documents: the default, unless
// that says nothing.
func (f field) sample() string {
	if f.Example != "" {
		return f.Example
	}
	return f.Default
}

// cutList cuts "a, b" into its items.
func cutList(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
