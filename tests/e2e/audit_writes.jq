# SPDX-License-Identifier: Apache-2.0
# Input (with -n): lines of the API server's audit log. Output: one line for each write of $user that was not a dry run,
# in their order: {at, verb, resource, namespace, name, code, noop, of}. noop: the answer has the resource version that
# the object had before, by whomever. of: the Workspace that it was for, where the object says so.
# $since: the number of lines to pass over.

def resource: .objectRef.resource + (if .objectRef.subresource then "/" + .objectRef.subresource else "" end);
def name: .objectRef.name // .responseObject.metadata.name // .requestObject.metadata.name // "";
def key: [.objectRef.apiGroup, .objectRef.resource, .objectRef.namespace, name] | join("/");
def succeeded: .responseStatus.code >= 200 and .responseStatus.code < 300;
def workspace:
  if .objectRef.resource == "workspaces" then name
  else (.responseObject // .requestObject // {}) |
    .metadata.labels["kaito.sh/workspace"] // .involvedObject.name // .regarding.name //
    ([.metadata.ownerReferences[]? | select(.kind == "Workspace") | .name][0]) end;

def is_write: .stage == "ResponseComplete" and (.verb | IN("create", "update", "patch", "delete", "deletecollection")) and
  (.requestURI | contains("dryRun=") | not);

reduce inputs as $write ({line: 0, versions: {}, writes: []};
  .line += 1 |
  if $write | is_write | not then . else
    ($write | key) as $key |
    ($write.responseObject.metadata.resourceVersion) as $version |
    (.versions[$key] == $version) as $same |
    (if $write.user.username == $user and .line > $since then
      .writes += [$write | {
        at: .stageTimestamp, verb, resource: resource, namespace: (.objectRef.namespace // ""), name: name,
        code: .responseStatus.code,
        noop: (succeeded and (.verb | IN("update", "patch")) and $version != null and $same),
        of: workspace,
      }]
    else . end) |
    if ($write | succeeded) and $version != null then .versions[$key] = $version else . end
  end) |
.writes[]
