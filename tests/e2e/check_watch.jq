# SPDX-License-Identifier: Apache-2.0
# Input (slurped): what watch.sh recorded. Output: {events, workspaces, violations: [{rule, workspace, before, after}]}.
# Arguments: $back and $jump, lists of names of Workspaces (see check_watch.sh).

def condition($type): [.object.status.conditions[]? | select(.type == $type)][0];
def revision: .object.metadata.annotations["workspace.kaito.io/revision"] // "";
def rank: {"": 0, "Pending": 1, "Running": 2, "Succeeded": 3, "Failed": 3}[.object.status.state // ""] // -1;
def deleting: .object.metadata.deletionTimestamp != null;
def workspace: "\(.object.metadata.namespace)/\(.object.metadata.name)";
def short: {
    time: (.time | strftime("%H:%M:%S") + (. | tostring | capture("(?<f>\\.[0-9]{1,3})")? // {f: ""} | .f)), type,
    resourceVersion: .object.metadata.resourceVersion, revision: revision, state: .object.status.state,
    conditions: ([.object.status.conditions[]? | "\(.type)=\(.status) \(.reason): \(.message)"]),
  };
def violation($rule; $before; $after):
  {rule: $rule, workspace: ($after | workspace), before: ($before | if . then short else null end), after: ($after | short)};

# Adds to each event of a Workspace the revision that its status is of: the one at which the status last changed. A new
# revision is written down before the status that goes with it.
def with_status_revisions:
  reduce .[] as $event ([]; .[-1] as $last | ($event.object.status | [.state, .conditions]) as $status |
    . + [$event + {of_revision: (if $last and ($last.object.status | [.state, .conditions]) == $status and $last.of_revision != ""
                                 then $last.of_revision else ($event | revision) end)}]);

# What must hold in each event by itself.
def within:
  . as $event | .object.status as $status |
  if rank < 0 then violation("the state is one of Pending, Running, Succeeded, Failed"; null; $event) else empty end,
  if condition("ResourceReady").status == "True" and
     (if condition("NodeClaimReady") then condition("NodeClaimReady") else condition("NodesReady") end).status != "True"
  then violation("ResourceReady only when the claim (or, without claims, the nodes) is ready"; null; $event) else empty end,
  if ($status.state == "Succeeded") != (condition("WorkspaceSucceeded").status == "True")
  then violation("Succeeded and WorkspaceSucceeded=True come together"; null; $event) else empty end,
  if condition("WorkspaceReady") and
     ([condition("WorkspaceReady", "WorkspaceSucceeded") | [.status, .reason, .message]] | .[0] != .[1])
  then violation("WorkspaceReady says what WorkspaceSucceeded says"; null; $event) else empty end,
  if any($status.conditions[]?; .status != "True" and ((.reason // "") == "" or (.message // "") == ""))
  then violation("a condition that is not True has a reason and a message"; null; $event) else empty end,
  if ([$status.conditions[]?.type] | length != (unique | length))
  then violation("each type of condition is there once"; null; $event) else empty end;

# What must hold between two events of one Workspace.
def between($before; $after):
  ($before.of_revision != $after.of_revision and $before.of_revision != "") as $changed |
  ([$after.object.metadata.name] | inside($back)) as $may_go_back |
  if ($after | deleting) or $changed or $may_go_back then empty else
    if ($after | rank) < ($before | rank)
    then violation("the state does not go back"; $before; $after) else empty end,
    if ($before | rank) == 3 and ($after | rank) == 3 and $before.object.status.state != $after.object.status.state
    then violation("the end state does not change"; $before; $after) else empty end,
    if ($before | rank) < 2 and $after.object.status.state == "Succeeded" and ([$after.object.metadata.name] | inside($jump) | not)
    then violation("Running comes before Succeeded"; $before; $after) else empty end,
    (("NodeClaimReady", "NodesReady", "ResourceReady", "JobStarted", "WorkspaceSucceeded", "InferenceReady") as $type |
      if ($before | condition($type).status) == "True" and ($after | condition($type).status) != "True"
      then violation("\($type) does not go back from True"; $before; $after) else empty end),
    if ($before | revision) != "" and ($after | revision) == ""
    then violation("the revision stays"; $before; $after) else empty end
  end,
  ($before.object.status.conditions[]? as $was | $after | condition($was.type) |
    if . == null then
      if ($after | deleting) or $changed or $may_go_back then empty
      else violation("\($was.type) does not go away"; $before; $after) end
    elif .lastTransitionTime < $was.lastTransitionTime
    then violation("the transition time of \($was.type) does not go back"; $before; $after)
    elif .status == $was.status and .lastTransitionTime != $was.lastTransitionTime
    then violation("the transition time of \($was.type) changes only with its status"; $before; $after)
    else empty end);

map(select(.type == "ADDED" or .type == "MODIFIED" or .type == "DELETED")) as $events |
{
  events: ($events | length),
  gaps: (map(select(.type == "GAP")) | length),
  workspaces: ($events | map(.object.metadata.uid) | unique | length),
  violations: [
    $events | group_by(.object.metadata.uid)[] |
    # A watch that was opened again may tell an event twice.
    unique_by(.object.metadata.resourceVersion | tonumber) | with_status_revisions |
    (.[] | select(.type != "DELETED") | within),
    (range(1; length) as $i | between(.[$i - 1]; .[$i]))
  ],
}
