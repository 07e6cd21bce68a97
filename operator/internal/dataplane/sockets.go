package dataplane

import (
	"fmt"
	"slices"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// closed says of each port that some Ready pod has not opened as it is wanted which pod that is. A pod before version 1.2 of the
// admin API says nothing of the PROXY protocol; one that does not tell at all is taken to have what it was started for.
func closed(want []model.Socket, pods []Observation) map[int32]string {
	closed := map[int32]string{}
	for _, socket := range want {
		for _, pod := range pods {
			if pod.Leaving || !pod.Ready || pod.Status == nil || opened(pod.Status, socket) {
				continue
			}
			closed[socket.Port] = fmt.Sprintf("%s has not opened port %d for %s yet.", pod.who(), socket.Port, socket.Protocol)
			break
		}
	}
	return closed
}

// opened tells whether the pod takes connections on the socket's port by its protocol.
func opened(s *adminapi.Status, socket model.Socket) bool {
	if s.Versions.Contracts.Admin == "" {
		return s.Sockets == nil || slices.Contains(s.Sockets, socket.Name())
	}
	return slices.Contains(s.Sockets, socket.Flag())
}
