package controller

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// ensureCertificates brings the Secret with the listeners' key pairs up to date.
func (r *gatewayReconciler) ensureCertificates(ctx context.Context, g *Gateway, w workload.Gateway) error {
	if g.Undecided {
		return nil
	}
	desired := w.Certificates(g.Certificates)
	live, err := r.secret(ctx, w, desired)
	if err != nil {
		return err
	}
	_, written, err := r.writer.Apply(ctx, desired, live)
	if written {
		// The cache may lag behind: what was presented before must not count as what is presented now.
		r.contents.Forget(client.ObjectKeyFromObject(desired))
	}
	return err
}

// renewCertificates brings the certificates of a Gateway up to date whose other objects stay as they are: a key pair that is not
// permitted any more must not stay with pods that are there.
func (r *gatewayReconciler) renewCertificates(ctx context.Context, g *Gateway, w workload.Gateway) error {
	live, err := r.contents.Secret(ctx, client.ObjectKeyFromObject(w.Certificates(nil)))
	if err != nil || live == nil || !w.Owns(live) {
		return err
	}
	return r.ensureCertificates(ctx, g, w)
}

// ensureAdmin makes the credential of the admin API, unless there is one. Pods from before, which go on, know theirs.
func (r *gatewayReconciler) ensureAdmin(ctx context.Context, w workload.Gateway, before formerObjects) error {
	live, err := r.secret(ctx, w, w.Admin(workload.Credential{}))
	if err != nil {
		return err
	}
	credential, sound := workload.CredentialOf(live)
	if !sound {
		if credential, sound, err = r.former.credential(ctx, before); err != nil {
			return err
		}
	}
	if !sound {
		if credential, err = workload.NewCredential(time.Now()); err != nil {
			return err
		}
	}
	_, _, err = r.writer.Apply(ctx, w.Admin(credential), live)
	return err
}

// ticketKeysLookEvery is how often it is looked whether the keys of session tickets are to be rotated.
const ticketKeysLookEvery = time.Hour

// ensureTicketKeys makes the keys of session tickets, and rotates them. Without them the pods serve all the same, each with
// keys of its own.
func (r *gatewayReconciler) ensureTicketKeys(ctx context.Context, w workload.Gateway) error {
	live, err := r.secret(ctx, w, w.TicketKeys(nil))
	if err != nil {
		return err
	}
	_, _, err = r.writer.Apply(ctx, w.TicketKeys(workload.RotateTicketKeys(live.Data, time.Now())), live)
	return err
}

// secret is the live Secret of the name of the desired one; empty where there is none.
func (r *gatewayReconciler) secret(ctx context.Context, w workload.Gateway, desired *corev1.Secret) (*corev1.Secret, error) {
	key := client.ObjectKeyFromObject(desired)
	live, err := r.contents.Secret(ctx, key)
	if err != nil {
		return nil, err
	}
	if live == nil {
		live = &corev1.Secret{}
		if err := r.live.Get(ctx, key, live); err != nil {
			return &corev1.Secret{}, client.IgnoreNotFound(err)
		}
	}
	return live, r.checkOwner(w, desired, live)
}
