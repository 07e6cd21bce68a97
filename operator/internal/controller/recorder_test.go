package controller

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEventsTellWhatChangesSeldom(t *testing.T) {
	programmed := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: "Programmed", Status: status, Reason: reason, Message: message}
	}
	failure := func(reason, message string) metav1.Condition {
		return metav1.Condition{Type: "ReplicaFailure", Status: "True", Reason: reason, Message: message}
	}
	runs, pending := programmed("True", "Programmed", "It runs."), programmed("False", "Pending", "There is no pod.")
	invalid := programmed("False", "Invalid", "It does not compile.\nExpected ';'")
	long := strings.Repeat("ü", maxNote)
	list := func(c ...metav1.Condition) []metav1.Condition { return c }
	for name, c := range map[string]struct {
		before, after []metav1.Condition
		want          []news
	}{
		"a new Gateway that has no pods yet": {nil, list(pending), nil},
		"it is programmed":                   {list(pending), list(runs), []news{{"Normal", "Programmed", "Program", "It runs."}}},
		"it still is, in other words":        {list(programmed("True", "Programmed", "It ran.")), list(runs), nil},
		"it is not any more":                 {list(runs), list(pending), []news{{"Warning", "Pending", "Program", "There is no pod."}}},
		"VCL does not compile":               {list(pending), list(invalid), []news{{"Warning", "Invalid", "Program", "It does not compile."}}},
		"a quota":                            {list(runs), list(runs, failure("FailedCreate", "quota")), []news{{"Warning", "FailedCreate", "Replicate", "quota"}}},
		"the same quota, in other words":     {list(runs, failure("FailedCreate", "quota")), list(runs, failure("FailedCreate", "more")), nil},
		"now the image":                      {list(failure("FailedCreate", "quota")), list(failure("ImagePullBackOff", "image")), []news{{"Warning", "ImagePullBackOff", "Replicate", "image"}}},
		"pods start":                         {list(runs, failure("FailedCreate", "quota")), list(runs), nil},
		"a message longer than an Event":     {nil, list(failure("FailedCreate", long)), []news{{"Warning", "FailedCreate", "Replicate", long[:maxNote]}}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, newsOf(c.before, c.after))
			assert.Empty(t, newsOf(c.after, c.after), "a status that stays as it is is no news")
		})
	}
}
