// SPDX-License-Identifier: Apache-2.0

// Command karpenter runs Karpenter's own controllers over its KWOK cloud provider, which makes Node objects instead of
// machines. It differs from Karpenter's kwok program where the test cluster needs it:
//   - it also manages NodeClaims of kaito.sh/KaitoNodeClass and karpenter.k8s.aws/EC2NodeClass, the classes that a
//     Workspace's claims name (managed.go);
//   - a Node's capacity has what its instance type has, not only what the claim asks for (managed.go);
//   - everything it serves is on the loopback address that it is given, and metrics are not served.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/awslabs/operatorpkg/serrors"
	"github.com/go-logr/zapr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/nodeoverlay"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	"sigs.k8s.io/karpenter/pkg/operator"
	"sigs.k8s.io/karpenter/pkg/operator/injection"
	"sigs.k8s.io/karpenter/pkg/operator/logging"
	"sigs.k8s.io/karpenter/pkg/operator/options"
)

// The module whose version is ours: go.mod pins it, and --version tells it.
const karpenterModule = "sigs.k8s.io/karpenter"

// flags are those that Karpenter itself does not have; its options.Injectable interface adds them to its own.
type flags struct {
	kubeconfig    string
	healthAddress string
}

func (f *flags) AddFlags(fs *options.FlagSet) {
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "file that says how the API server is reached")
	fs.StringVar(&f.healthAddress, "health-address", "127.0.0.1:0", "where /readyz and /healthz are served")
}

func (f *flags) Parse(fs *options.FlagSet, args ...string) error {
	if fs.Parsed() {
		return nil
	}
	return fs.Parse(args)
}

func (f *flags) ToContext(ctx context.Context) context.Context { return ctx }

func must(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "karpenter: %v\n", err)
		os.Exit(1)
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == karpenterModule {
				return module.Version
			}
		}
	}
	return "unknown"
}

// newOperator does what operator.NewOperator does, without leader election and with addresses of our choice: that
// function listens on every interface.
func newOperator(ctx context.Context, ours *flags) *operator.Operator {
	logger := serrors.NewLogger(zapr.NewLogger(logging.NewLogger(ctx, "controller")))
	log.SetLogger(logger)
	klog.SetLogger(logger)
	config, err := clientcmd.BuildConfigFromFlags("", ours.kubeconfig)
	must(err)
	config.QPS = float32(options.FromContext(ctx).KubeClientQPS)
	config.Burst = options.FromContext(ctx).KubeClientBurst
	config.UserAgent = "karpenter/" + version()
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Logger:                 logging.IgnoreDebugEvents(logger),
		Metrics:                server.Options{BindAddress: "0"}, // none
		HealthProbeBindAddress: ours.healthAddress,
		BaseContext:            func() context.Context { return log.IntoContext(ctx, logger) },
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&coordinationv1.Lease{}: {Field: fields.OneTermEqualSelector("metadata.namespace", "kube-node-lease")},
		}},
	})
	must(err)
	addIndexes(ctx, manager.GetFieldIndexer())
	must(manager.AddHealthzCheck("ping", healthz.Ping))
	must(manager.AddReadyzCheck("caches", caughtUp(manager.GetCache())))
	return &operator.Operator{
		Manager:             manager,
		KubernetesInterface: kubernetes.NewForConfigOrDie(config),
		//nolint:staticcheck // the recorder that Karpenter's events package takes
		EventRecorder:     events.NewRecorder(manager.GetEventRecorderFor("karpenter")),
		Clock:             clock.RealClock{},
		InstanceTypeStore: nodeoverlay.NewInstanceTypeStore(),
	}
}

// addIndexes makes the lookups by field that Karpenter's controllers rely on.
func addIndexes(ctx context.Context, indexer client.FieldIndexer) {
	type index struct {
		object client.Object
		field  string
		value  func(client.Object) string
	}
	claimClass := func(part func(*karpenterv1.NodeClassReference) string) func(client.Object) string {
		return func(o client.Object) string { return part(o.(*karpenterv1.NodeClaim).Spec.NodeClassRef) }
	}
	poolClass := func(part func(*karpenterv1.NodeClassReference) string) func(client.Object) string {
		return func(o client.Object) string { return part(o.(*karpenterv1.NodePool).Spec.Template.Spec.NodeClassRef) }
	}
	group := func(r *karpenterv1.NodeClassReference) string { return r.Group }
	kind := func(r *karpenterv1.NodeClassReference) string { return r.Kind }
	name := func(r *karpenterv1.NodeClassReference) string { return r.Name }
	claim, pool := &karpenterv1.NodeClaim{}, &karpenterv1.NodePool{}
	for _, i := range []index{
		{&corev1.Pod{}, "spec.nodeName", func(o client.Object) string { return o.(*corev1.Pod).Spec.NodeName }},
		{&corev1.Node{}, "spec.providerID", func(o client.Object) string { return o.(*corev1.Node).Spec.ProviderID }},
		{&storagev1.VolumeAttachment{}, "spec.nodeName",
			func(o client.Object) string { return o.(*storagev1.VolumeAttachment).Spec.NodeName }},
		{claim, "status.providerID", func(o client.Object) string { return o.(*karpenterv1.NodeClaim).Status.ProviderID }},
		{claim, "spec.nodeClassRef.group", claimClass(group)},
		{claim, "spec.nodeClassRef.kind", claimClass(kind)},
		{claim, "spec.nodeClassRef.name", claimClass(name)},
		{pool, "spec.template.spec.nodeClassRef.group", poolClass(group)},
		{pool, "spec.template.spec.nodeClassRef.kind", poolClass(kind)},
		{pool, "spec.template.spec.nodeClassRef.name", poolClass(name)},
	} {
		must(indexer.IndexField(ctx, i.object, i.field, func(o client.Object) []string { return []string{i.value(o)} }))
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("karpenter " + version())
		return
	}
	ours := &flags{}
	options.Injectables = append(options.Injectables, ours)
	ctx := injection.WithOptionsOrDie(ctrl.SetupSignalHandler(), options.Injectables...)
	op := newOperator(ctx, ours)
	types, err := kwok.ConstructInstanceTypes(ctx)
	must(err)
	provider := newProvider(ctx, op.GetClient(), types)
	decorated := overlay.Decorate(provider, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), decorated)
	op.WithControllers(ctx, controllers.NewControllers(ctx, op.Manager, op.Clock, op.GetClient(), op.EventRecorder,
		decorated, provider, cluster, op.InstanceTypeStore)...).Start(ctx)
}
