/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/commands.h"
#include "plugin/complete.h"
#include "plugin/output.h"

/* `kubectl kaito <TAB>` is kubectl's own matter: it runs kubectl_complete-kaito. These scripts are for the program
 * under its own name; each begins with how to get the other. */
#define HINT                                                                                                     \
    "# To complete `kubectl kaito` as well, kubectl (1.26 or newer, with its own completion set up) needs this " \
    "program\n"                                                                                                  \
    "# under a second name on the PATH:\n"                                                                       \
    "#   ln -s \"$(command -v kubectl-kaito)\" \"$(dirname \"$(command -v "                                      \
    "kubectl-kaito)\")/kubectl_complete-kaito\"\n"

static const char bash_script[] =
    "# Completion of kubectl-kaito for bash. Load it with: source <(kubectl-kaito completion bash)\n" HINT
    "_kubectl_kaito() {\n"
    "    local typed=${COMP_LINE:0:COMP_POINT} directive line\n"
    "    local -a words lines\n"
    "    read -ra words <<<\"$typed\"\n"
    "    [[ $typed == *' ' ]] && words+=('')\n"
    "    mapfile -t lines < <(kubectl-kaito __complete \"${words[@]:1}\" 2>/dev/null)\n"
    "    COMPREPLY=()\n"
    "    [[ ${#lines[@]} -eq 0 ]] && return\n"
    "    directive=${lines[-1]#:}\n"
    "    unset 'lines[-1]'\n"
    "    for line in \"${lines[@]}\"; do\n"
    "        COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "    done\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "    if [[ $directive == 0 ]]; then\n"
    "        compopt -o filenames\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]#=}\")\n"
    "    fi\n"
    "}\n"
    "complete -F _kubectl_kaito kubectl-kaito\n";

static const char zsh_script[] =
    "#compdef kubectl-kaito\n"
    "# Completion of kubectl-kaito for zsh. Load it with: source <(kubectl-kaito completion zsh)\n" HINT
    "_kubectl_kaito() {\n"
    "    local line directive\n"
    "    local -a lines candidates\n"
    "    lines=(\"${(@f)$(kubectl-kaito __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    directive=${lines[-1]#:}\n"
    "    for line in \"${(@)lines[1,-2]}\"; do\n"
    "        candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    if [[ $directive == 0 ]]; then\n"
    "        _files\n"
    "    elif (( $#candidates )); then\n"
    "        [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='\n"
    "        _describe 'kubectl kaito' candidates\n"
    "    fi\n"
    "}\n"
    "compdef _kubectl_kaito kubectl-kaito\n";

static const char fish_script[] =
    "# Completion of kubectl-kaito for fish. Load it with: kubectl-kaito completion fish | source\n" HINT
    "function __kubectl_kaito_answer\n"
    "    kubectl-kaito __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null\n"
    "end\n"
    "complete -c kubectl-kaito -f -n 'test (__kubectl_kaito_answer)[-1] = :4' "
    "-a '(__kubectl_kaito_answer | string match -rv \"^:\")'\n"
    "complete -c kubectl-kaito -F -n 'test (__kubectl_kaito_answer)[-1] = :0'\n";

static const struct {
    const char *shell;
    const char *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

static int run_completion(struct kt_app *app, const void *options KT_UNUSED, struct kt_error *error)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(scripts); i++) {
        if (kt_streq(app->arguments[0], scripts[i].shell)) {
            kt_output_send(app, kt_str(scripts[i].script));
            return KT_EXIT_OK;
        }
    }
    return kt_app_usage_fault(app, error, "unknown shell \"%.60s\": bash, zsh and fish are known", app->arguments[0]);
}

const struct kt_command kt_command_completion = {
    .name = "completion",
    .group = KT_GROUP_OTHER,
    .summary = "Print a completion script for bash, zsh or fish",
    .description = "Print a script that completes commands, flags, models and machine types in your shell.\n\nkubectl "
                   "completes `kubectl kaito` by itself when this program is also on the PATH as " KT_COMPLETE_PROGRAM
                   ", a symbolic link. `make install` puts it there; the script says how to do it by hand.",
    .usage = "bash|zsh|fish",
    .examples = "# In this shell\n"
                "source <(kubectl kaito completion bash)\n",
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_completion,
};
