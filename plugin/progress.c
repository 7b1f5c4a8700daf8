/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/progress.h"

#include <stdio.h>

#include "plugin/output.h"
#include "text/time.h"
#include "workload/diagnosis.h"

#define STAGE_WIDTH 11
#define LINE_BYTES ((size_t)(4 * KT_PROGRESS_TEXT_BYTES + 256))
#define TENTHS 10

void kt_progress_init(struct kt_progress *progress, struct kt_app *app)
{
    const char *term = kt_environment_get(app->environment, "TERM");
    *progress = (struct kt_progress){
        .app = app,
        .started_ms = kt_clock_monotonic_ms(app->environment->clock),
        .is_live = app->err_terminal.is_terminal && term && term[0] && !kt_streq(term, "dumb"),
        .training_tenth = -1,
    };
    pthread_mutex_init(&progress->lock, NULL);
}

/* --- with the lock held --------------------------------------------------------------------------------------------
 */

static void finish_line(struct kt_progress *progress)
{
    if (progress->is_on_screen)
        fputc('\n', progress->app->err);
    progress->is_on_screen = false;
}

static void erase_line(struct kt_progress *progress)
{
    if (progress->is_on_screen)
        fputs("\r\x1b[K", progress->app->err);
    progress->is_on_screen = false;
}

static void write_line(struct kt_progress *progress)
{
    struct kt_app *app = progress->app;
    bool trains = kt_streq(progress->stage, kt_stage_name(KT_STAGE_TRAINING)) && progress->training[0];
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line, age;
    kt_strbuf_init(&line, NULL, LINE_BYTES);
    kt_strbuf_init(&age, NULL, 64);
    if (!progress->stage[0])
        return;
    kt_strbuf_printf(&line, "%-*s", STAGE_WIDTH, progress->stage);
    kt_output_escape(&line, kt_str(trains ? progress->training : progress->detail));
    kt_time_write_age(&age, kt_clock_monotonic_ms(app->environment->clock) - progress->started_ms);
    if (!progress->is_live) {
        fprintf(app->err, "%s   %s\n", line.data, age.data);
        return;
    }
    /* A line that wraps cannot be rewritten. */
    size_t room = app->err_terminal.width > age.length + 4 ? app->err_terminal.width - age.length - 4 : 1;
    size_t fits = kt_utf8_prefix(kt_strbuf_view(&line), room);
    erase_line(progress);
    fprintf(app->err, "%.*s   %s", (int)fits, line.data, age.data);
    fflush(app->err);
    progress->is_on_screen = true;
}

/* --- for all -------------------------------------------------------------------------------------------------------
 */

void kt_progress_end(struct kt_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    finish_line(progress);
    fflush(progress->app->err);
    progress->stage[0] = '\0';
    pthread_mutex_unlock(&progress->lock);
    pthread_mutex_destroy(&progress->lock);
}

void kt_progress_set(struct kt_progress *progress, const char *stage, const char *detail)
{
    pthread_mutex_lock(&progress->lock);
    bool same_stage = kt_streq(progress->stage, stage);
    char cut[KT_PROGRESS_TEXT_BYTES];
    size_t fits = KT_MIN(strlen(detail), sizeof(cut) - 1);
    while (fits > 0 && ((unsigned char)detail[fits] & 0xC0) == 0x80)
        fits--;
    snprintf(cut, sizeof(cut), "%.*s", (int)fits, detail);
    if (!same_stage || !kt_streq(progress->detail, cut)) {
        if (!same_stage)
            finish_line(progress);
        snprintf(progress->stage, sizeof(progress->stage), "%s", stage);
        memcpy(progress->detail, cut, sizeof(cut));
        write_line(progress);
    }
    pthread_mutex_unlock(&progress->lock);
}

void kt_progress_training(struct kt_progress *progress, const struct kt_training_progress *training)
{
    pthread_mutex_lock(&progress->lock);
    int64_t tenth = training->steps > 0 ? training->step * TENTHS / training->steps : -1;
    /* Without a number of steps every record is news, and always the first. */
    bool is_news = progress->is_live || tenth != progress->training_tenth || training->steps == 0 ||
                   (training->loss[0] && !progress->has_loss);
    progress->training_tenth = tenth;
    progress->has_loss = training->loss[0] != '\0';
    char step[48] = "", left[32] = "";
    if (training->steps > 0)
        snprintf(step, sizeof(step), "step %lld/%lld", (long long)training->step, (long long)training->steps);
    if (training->left[0] && training->step < training->steps)
        snprintf(left, sizeof(left), ", %s left", training->left);
    snprintf(progress->training, sizeof(progress->training), "%s%s%s%s%s", step,
             step[0] && training->loss[0] ? ", " : "", training->loss[0] ? "loss " : "", training->loss, left);
    if (is_news && kt_streq(progress->stage, kt_stage_name(KT_STAGE_TRAINING)))
        write_line(progress);
    pthread_mutex_unlock(&progress->lock);
}

void kt_progress_tick(struct kt_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    if (progress->is_live)
        write_line(progress);
    pthread_mutex_unlock(&progress->lock);
}

void kt_progress_say(struct kt_progress *progress, const char *line)
{
    pthread_mutex_lock(&progress->lock);
    erase_line(progress);
    fprintf(progress->app->err, "%s\n", line);
    if (progress->is_live)
        write_line(progress);
    pthread_mutex_unlock(&progress->lock);
}

bool kt_progress_out(struct kt_progress *progress, struct kt_str line)
{
    struct kt_app *app = progress->app;
    pthread_mutex_lock(&progress->lock);
    if (app->out_terminal.is_terminal)
        erase_line(progress);
    kt_output_send_line(app, line);
    fflush(app->out);
    if (progress->is_live && app->out_terminal.is_terminal)
        write_line(progress);
    bool good = app->write_errno == 0;
    pthread_mutex_unlock(&progress->lock);
    return good;
}

bool kt_progress_can_write(struct kt_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    bool good = progress->app->write_errno == 0;
    pthread_mutex_unlock(&progress->lock);
    return good;
}
