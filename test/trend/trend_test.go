package trend

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGrowthIsToldFromNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	series := func(value func(i int) float64) []float64 {
		values := make([]float64, 14)
		for i := range values {
			values[i] = value(i)
		}
		return values
	}
	for sentence, c := range map[string]struct {
		series     []float64
		least, top float64
	}{
		"nothing grows":                       {series(func(int) float64 { return 7 }), 0, 0},
		"noise alone is no growth":            {series(func(int) float64 { return 100 + random.Float64() }), 0, 0},
		"one value that sticks out is none":   {series(func(i int) float64 { return map[bool]float64{true: 1000, false: 7}[i == 12] }), 0, 0},
		"a step early on is none":             {series(func(i int) float64 { return map[bool]float64{true: 7, false: 9}[i == 0] }), 0, 0},
		"what shrinks does not grow":          {series(func(i int) float64 { return float64(-i) }), 0, 0},
		"one more in each cycle":              {series(func(i int) float64 { return float64(20 + i) }), 13, 13},
		"one more in each cycle, among noise": {series(func(i int) float64 { return 20 + float64(i) + 3*random.Float64() }), 9, 17},
		"one more in every other cycle":       {series(func(i int) float64 { return float64(20 + i/2) }), 5, 8},
		"growth that one value hides":         {series(func(i int) float64 { return float64(20+i) - map[bool]float64{true: 15, false: 0}[i == 9] }), 11, 15},
		"two values":                          {[]float64{1, 2}, 0, 0},
		"no value":                            {nil, 0, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			growth := Growth(c.series)
			assert.GreaterOrEqual(t, growth, c.least)
			assert.LessOrEqual(t, growth, c.top)
		})
	}
}
