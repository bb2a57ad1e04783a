// Package plottest compares pictures with golden files, for the tests of all that draws.
package plottest

import (
	"bytes"
	"flag"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// Golden compares img with testdata/NAME.png, with room for the last digit of floating point on
// other processors. What differs is written to testdata/failed. With -update it is written anew: look at it.
func Golden(t testing.TB, name string, img *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		Write(t, path, img)
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update and look at the picture", err)
	}
	want, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if n := differing(want, img); n != 0 {
		failed := filepath.Join("testdata", "failed", name+".png")
		Write(t, failed, img)
		t.Errorf("%s: %d pixels differ (-1: another size); compare with %s", path, n, failed)
	}
}

// differing counts the pixels that differ by more than two steps in a channel.
func differing(want image.Image, got *image.RGBA) int {
	if want.Bounds() != got.Bounds() {
		return -1
	}
	have := image.NewRGBA(want.Bounds())
	draw.Draw(have, have.Rect, want, have.Rect.Min, draw.Src)
	n := 0
	for i := 0; i < len(have.Pix); i += 4 {
		for c := range 4 {
			if d := int(have.Pix[i+c]) - int(got.Pix[i+c]); d < -2 || d > 2 {
				n++
				break
			}
		}
	}
	return n
}

// Write writes img as PNG, with the folders that it needs.
func Write(t testing.TB, path string, img image.Image) {
	t.Helper()
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
