// Package programming keeps what the operator knows of the programming of each Gateway, beside what the API server has: which
// routing is published, what its pods may read and say, whether its VCL compiles, what was reported last, and which objects are in the way.
//
// What is kept are facts. The sentences of a condition are made of them when it is written, and are not kept.
package programming

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

// Options of a Store.
type Options struct {
	// Client watches single objects that are in the way.
	Client client.WithWatch
	// Changed is called with a Gateway when its pods have something new to say.
	Changed func(types.NamespacedName)
	// Unblocked is called with a Gateway when an object is not in its way any more.
	Unblocked func(types.NamespacedName)
	Log       *zap.Logger
}

// Store keeps one record for each Gateway. It is safe for concurrent use, as are the records.
type Store struct {
	ctx     context.Context
	options Options
	tasks   tasks

	mu       sync.Mutex
	gateways map[types.NamespacedName]*Gateway
}

// NewStore knows nothing yet. Whatever it follows and watches ends with ctx.
func NewStore(ctx context.Context, options Options) *Store {
	return &Store{ctx: ctx, options: options, gateways: map[types.NamespacedName]*Gateway{}}
}

// Wait returns when nothing is followed or watched any more, once ctx has ended. Nothing is followed or
// watched from then on.
func (s *Store) Wait() { s.tasks.wait() }

// Gateway is what is known of one Gateway. It is not known by its name alone: one that was deleted and made anew is another.
type Gateway struct {
	key   types.NamespacedName
	uid   types.UID
	store *Store
	log   *zap.Logger
	// ctx ends when the Gateway is forgotten.
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// routing is what is published; nil where nobody has looked yet.
	routing *publication
	// contested is what somebody else keeps changing of what is published; empty where nobody does.
	contested string
	// overdue reports the Gateway as changed when pods have had the time to take what was published; nil where they have.
	overdue *time.Timer
	// access of the pods to the namespaces that they route to.
	access access
	// shards are the further ConfigMaps of routing.json whose content was right when it was last seen.
	shards map[string]ShardVersion
	// client asks the pods that are followed, by UID, with the credential that it was made of; nil where there was none.
	client     *dataplane.Client
	credential string
	pods       map[string]*follower
	// check of VCL that is not published yet; nil where there is none.
	check *vclCheck
	// reported is what pods were to run when a condition was last written of what they said; nil before that.
	reported *dataplane.Wanted
	// lags is since when pods have been about to run something new, zero where they are not; settle reports the Gateway as
	// changed where that takes long.
	lags   time.Time
	settle *time.Timer
	// blockers are watched until they are out of the way.
	blockers map[blocker]context.CancelFunc
}

// Gateway is the record of a Gateway. Where there is one of another UID, that is forgotten.
func (s *Store) Gateway(key types.NamespacedName, uid types.UID) *Gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.gateways[key]
	if before != nil && before.uid == uid {
		return before
	}
	if before != nil {
		before.end()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	g := &Gateway{
		key: key, uid: uid, store: s, ctx: ctx, cancel: cancel, log: s.options.Log.With(zap.Stringer("gateway", key)),
		shards: map[string]ShardVersion{}, pods: map[string]*follower{}, blockers: map[blocker]context.CancelFunc{},
	}
	s.gateways[key] = g
	return g
}

// Forget a Gateway that is gone, or is not ours any more.
func (s *Store) Forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.gateways[key]; g != nil {
		g.end()
		delete(s.gateways, key)
	}
}

// end stops whatever is followed and watched for the Gateway.
func (g *Gateway) end() {
	g.cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endFollowing()
	g.endLag()
	if g.overdue != nil {
		g.overdue.Stop()
	}
}
