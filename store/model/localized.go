package model

// Localized is a text by language code; a plain string in YAML is English and stands for all.
type Localized map[string]string

// In returns the text for a language, falling back to English.
func (l Localized) In(lang string) string {
	if s, ok := l[lang]; ok {
		return s
	}
	return l["en"]
}

// UnmarshalYAML reads a plain string or a map of language to text.
func (l *Localized) UnmarshalYAML(unmarshal func(any) error) error {
	var plain string
	if err := unmarshal(&plain); err == nil {
		*l = Localized{"en": plain}
		return nil
	}
	var byLang map[string]string
	if err := unmarshal(&byLang); err != nil {
		return err
	}
	*l = byLang
	return nil
}
