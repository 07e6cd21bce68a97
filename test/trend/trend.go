// Package trend tells growth from noise in a series of measurements, one of each of several cycles that are alike.
package trend

import (
	"math"
	"slices"
)

// significant is how many standard deviations the sign of a trend must be away from chance.
const significant = 3

// Growth is by how much a series grows from its first to its last value: by the Theil-Sen estimator, the median of the
// slopes between all pairs of values, which single values do not move. It is 0 where the Mann-Kendall test says that the
// order of the values may be chance.
func Growth(series []float64) float64 {
	n := len(series)
	if n < 2 {
		return 0
	}
	slopes := make([]float64, 0, n*(n-1)/2)
	sign := 0.0
	for i := range series {
		for j := i + 1; j < n; j++ {
			difference := series[j] - series[i]
			slopes = append(slopes, difference/float64(j-i))
			if difference > 0 {
				sign++
			} else if difference < 0 {
				sign--
			}
		}
	}
	count := float64(n)
	deviation := math.Sqrt((count*(count-1)*(2*count+5) - ties(series)) / 18)
	if deviation == 0 || sign-1 < significant*deviation {
		return 0
	}
	return Median(slopes) * (count - 1)
}

// ties is what equal values take away from the variance.
func ties(series []float64) float64 {
	times := map[float64]float64{}
	for _, value := range series {
		times[value]++
	}
	sum := 0.0
	for _, t := range times {
		sum += t * (t - 1) * (2*t + 5)
	}
	return sum
}

// Median of values, in any order; 0 where there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
