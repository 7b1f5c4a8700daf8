# SPDX-License-Identifier: Apache-2.0
#
# Watch events of one kind to lines for a person: what is new since the event before. Run with -n --unbuffered -r.
# A fact is {key, text}; it is told when its text is another one than the last under its key.

def condition($type): (.status.conditions // [])[] | select(.type == $type);
def is_true($type): any(condition($type); .status == "True");
def fact($key; $text): {key: $key, text: $text};

def workspace_facts:
    (.metadata.annotations["workspace.kaito.io/revision"] // empty | fact("revision"; "revision \(.), finalizer set")),
    # WorkspaceReady repeats WorkspaceSucceeded for the scripts of older guides.
    ((.status.conditions // [])[] | select(.type != "WorkspaceReady" or .status == "True")
        | fact(.type; "\(.type)=\(.status): \(.message)")),
    (.status.state // empty | fact("state"; "state \(.)"));

def node_claim_facts:
    fact("asked"; "\(.metadata.name) asks for \(first(.spec.requirements[]
        | select(.key == "node.kubernetes.io/instance-type").values[0])) with \(.spec.resources.requests.storage) of disk"),
    (("Launched", "Registered", "Initialized", "Ready") as $type | select(is_true($type)) | fact($type; "\(.metadata.name) \($type)"));

def node_facts:
    fact("name"; .metadata.name + " has joined"),
    (select(is_true("Ready") and .status.capacity["nvidia.com/gpu"])
        | fact("ready"; "\(.metadata.name) is Ready with nvidia.com/gpu: \(.status.capacity["nvidia.com/gpu"])"));

def config_map_facts:
    fact(.metadata.name; "\(.metadata.name) copied, with \([.data[] | split("\n")[] | select(test("torch_dtype|fp16: true")) | gsub("^ +"; "")] | join(", "))");

def job_facts:
    fact("made"; "\(.metadata.name) made"),
    (if is_true("Complete") then fact("end"; "\(.metadata.name) Complete")
     elif is_true("Failed") then fact("end"; "\(.metadata.name) Failed: \(condition("Failed").message)") else empty end);

def pod_facts:
    .metadata.name as $name
    | .metadata.labels["kaito.sh/workspace"] as $trainer
    | (.spec.nodeName // empty | fact("node"; "\($name) is bound to node \(.)")),
      ((.status.initContainerStatuses // [])[], (.status.containerStatuses // [])[]
        | "container \(.name)\(if .name == $trainer then ", the trainer," else "" end)" as $container
        | (select(.state.running) | fact($container; "\($container) runs")),
          (.state.terminated // empty
            | fact($container; "\($container) has ended with \(.exitCode)\(if .exitCode == 0 then "" else " (\(.reason))" end)")),
          (.state.waiting // empty | select(.reason | IN("PodInitializing", "ContainerCreating") | not)
            | fact($container; "\($container) waits: \(.reason)"))),
      (.status.phase | select(. != "Pending") | fact("phase"; "\($name) \(.)"));

def facts:
    if .kind == "Workspace" then workspace_facts
    elif .kind == "NodeClaim" then node_claim_facts
    elif .kind == "Node" then node_facts
    elif .kind == "ConfigMap" then config_map_facts
    elif .kind == "Job" then job_facts
    elif .kind == "Pod" then pod_facts
    else empty end;

foreach inputs as $event ({told: {}};
    .told as $told
    | .news = [$event | select(.type == "ADDED" or .type == "MODIFIED").object | {kind} + (facts | select($told[.key] != .text))]
    | .told += (.news | map({(.key): .text}) | add // {});
    .news[] | "\(.kind)\t\(.text)")
