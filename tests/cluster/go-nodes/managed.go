// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/awslabs/operatorpkg/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

// kwokNodeClass is the name of the one KWOKNodeClass: it has the delay after which a Node appears, for every class.
const kwokNodeClass = "default"

// nodeClass has of a cloud's node class what Karpenter's controllers look at. Its machine image, disks and networks
// mean nothing to nodes that are only objects.
type nodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Status            nodeClassStatus `json:"status,omitempty"`
}

type nodeClassStatus struct {
	Conditions []status.Condition `json:"conditions,omitempty"`
}

func (c *nodeClass) GetConditions() []status.Condition           { return c.Status.Conditions }
func (c *nodeClass) SetConditions(conditions []status.Condition) { c.Status.Conditions = conditions }

func (c *nodeClass) copyTo(to *nodeClass) {
	to.TypeMeta = c.TypeMeta
	c.ObjectMeta.DeepCopyInto(&to.ObjectMeta)
	to.Status.Conditions = append([]status.Condition(nil), c.Status.Conditions...)
}

// The scheme tells kinds by their Go types, so each needs one of its own.

// KaitoNodeClass is what claims on Azure name.
type KaitoNodeClass struct {
	nodeClass `json:",inline"`
}

// EC2NodeClass is what claims on AWS name.
type EC2NodeClass struct {
	nodeClass `json:",inline"`
}

// KaitoNodeClassList is the kind that a list request answers with.
type KaitoNodeClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KaitoNodeClass `json:"items"`
}

// EC2NodeClassList is the kind that a list request answers with.
type EC2NodeClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []EC2NodeClass `json:"items"`
}

func (c *KaitoNodeClass) StatusConditions() status.ConditionSet {
	return status.NewReadyConditions().For(c)
}

func (c *EC2NodeClass) StatusConditions() status.ConditionSet {
	return status.NewReadyConditions().For(c)
}

func (c *KaitoNodeClass) DeepCopyObject() runtime.Object {
	copied := &KaitoNodeClass{}
	c.copyTo(&copied.nodeClass)
	return copied
}

func (c *EC2NodeClass) DeepCopyObject() runtime.Object {
	copied := &EC2NodeClass{}
	c.copyTo(&copied.nodeClass)
	return copied
}

func (l *KaitoNodeClassList) DeepCopyObject() runtime.Object {
	copied := &KaitoNodeClassList{TypeMeta: l.TypeMeta, Items: make([]KaitoNodeClass, len(l.Items))}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for i := range l.Items {
		l.Items[i].copyTo(&copied.Items[i].nodeClass)
	}
	return copied
}

func (l *EC2NodeClassList) DeepCopyObject() runtime.Object {
	copied := &EC2NodeClassList{TypeMeta: l.TypeMeta, Items: make([]EC2NodeClass, len(l.Items))}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for i := range l.Items {
		l.Items[i].copyTo(&copied.Items[i].nodeClass)
	}
	return copied
}

// managed are the classes that we add to the provider's own.
var managed = []struct {
	version schema.GroupVersion
	kind    string
	object  func() status.Object
	list    runtime.Object
}{
	{schema.GroupVersion{Group: "kaito.sh", Version: "v1alpha1"}, "KaitoNodeClass",
		func() status.Object { return &KaitoNodeClass{} }, &KaitoNodeClassList{}},
	{schema.GroupVersion{Group: "karpenter.k8s.aws", Version: "v1"}, "EC2NodeClass",
		func() status.Object { return &EC2NodeClass{} }, &EC2NodeClassList{}},
}

func init() {
	for _, class := range managed {
		metav1.AddToGroupVersion(scheme.Scheme, class.version)
		scheme.Scheme.AddKnownTypes(class.version, class.object(), class.list)
	}
}

type provider struct {
	*kwok.CloudProvider
	client client.Client
	types  map[string]*cloudprovider.InstanceType
}

func newProvider(ctx context.Context, c client.Client, types []*cloudprovider.InstanceType) *provider {
	byName := map[string]*cloudprovider.InstanceType{}
	for _, instanceType := range types {
		byName[instanceType.Name] = instanceType
	}
	return &provider{kwok.NewCloudProvider(ctx, machineClient{c}, types), c, byName}
}

// machineClient makes a Node as a machine's kubelet does: it tries again while the API server is away, and a machine
// whose claim was deleted while it started makes none. The KWOK provider tries a few times within 100 ms, and then
// whatever has become of the claim.
type machineClient struct {
	client.Client
}

func (c machineClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	if _, isNode := object.(*corev1.Node); !isNode {
		return c.Client.Create(ctx, object, options...)
	}
	for {
		claim := &karpenterv1.NodeClaim{}
		err := c.Get(ctx, client.ObjectKey{Name: object.GetLabels()[corev1.LabelHostname]}, claim)
		if errors.IsNotFound(err) || (err == nil && !claim.DeletionTimestamp.IsZero()) {
			return nil
		}
		if err == nil {
			err = c.Client.Create(ctx, object, options...)
		}
		if err == nil || errors.IsAlreadyExists(err) || ctx.Err() != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func (p *provider) GetSupportedNodeClasses() []status.Object {
	classes := p.CloudProvider.GetSupportedNodeClasses()
	for _, class := range managed {
		classes = append(classes, class.object())
	}
	return classes
}

// checkClass answers as a cloud's provider does when the claim's node class is missing or not ready; Karpenter then
// deletes the claim.
func (p *provider) checkClass(ctx context.Context, reference *karpenterv1.NodeClassReference) error {
	for _, class := range managed {
		if reference.Group != class.version.Group || reference.Kind != class.kind {
			continue
		}
		object := class.object()
		if err := p.client.Get(ctx, client.ObjectKey{Name: reference.Name}, object); err != nil {
			if errors.IsNotFound(err) {
				return cloudprovider.NewInsufficientCapacityError(fmt.Errorf("resolving node class from nodeclaim, %w", err))
			}
			return err
		}
		if ready := object.StatusConditions().Get(status.ConditionReady); ready.IsFalse() {
			return cloudprovider.NewNodeClassNotReadyError(fmt.Errorf("%s", ready.Message))
		}
	}
	return nil
}

// Create makes the Node of a claim. The KWOK provider takes the Node's capacity from the claim's requests alone, so we
// add what the instance type has; and it crashes when nothing on offer meets the claim's requirements, which here is
// a lack of capacity.
func (p *provider) Create(ctx context.Context, claim *karpenterv1.NodeClaim) (*karpenterv1.NodeClaim, error) {
	if err := p.checkClass(ctx, claim.Spec.NodeClassRef); err != nil {
		return nil, err
	}
	claim = claim.DeepCopy()
	claim.Spec.NodeClassRef.Name = kwokNodeClass
	requirements := scheduling.NewNodeSelectorRequirementsWithMinValues(claim.Spec.Requirements...)
	for _, requirement := range claim.Spec.Requirements {
		if requirement.Key != corev1.LabelInstanceTypeStable {
			continue
		}
		for _, name := range requirement.Values {
			instanceType, known := p.types[name]
			if !known {
				continue // the provider says so
			}
			if !instanceType.Offerings.Available().HasCompatible(requirements) {
				return nil, cloudprovider.NewInsufficientCapacityError(
					fmt.Errorf("no offering of %s meets the requirements", name))
			}
			if claim.Spec.Resources.Requests == nil {
				claim.Spec.Resources.Requests = corev1.ResourceList{}
			}
			for resource, quantity := range instanceType.Capacity {
				claim.Spec.Resources.Requests[resource] = quantity
			}
		}
	}
	return p.CloudProvider.Create(ctx, claim)
}

// caughtUp is ready when the caches have what the API server has.
func caughtUp(caches cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		if !caches.WaitForCacheSync(request.Context()) {
			return fmt.Errorf("the caches are not filled")
		}
		return nil
	}
}
