package programming

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
)

func TestALagThatLastsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := 0
		g := NewStore(t.Context(), Options{Log: zap.NewNop(), Changed: func(types.NamespacedName) { changed++ }}).Gateway(gateway, "1")
		assert.True(t, g.Lags())
		time.Sleep(SettleWithin / 2)
		assert.True(t, g.Lags(), "it is the same lag")
		time.Sleep(SettleWithin / 2)
		synctest.Wait()
		assert.Equal(t, 1, changed)
		assert.False(t, g.Lags(), "it has lasted too long")
		time.Sleep(10 * SettleWithin)
		synctest.Wait()
		assert.Equal(t, 1, changed)

		g.Settled()
		assert.True(t, g.Lags(), "another one may take as long")
		g.Settled()
		time.Sleep(10 * SettleWithin)
		synctest.Wait()
		assert.Equal(t, 1, changed, "nobody is told of one that has ended")
	})
}
