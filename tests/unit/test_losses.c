/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "workload/losses.h"

static void the_loss_of_a_record_is_read(void **state)
{
    static const struct {
        const char *line, *loss; /* NULL: no record */
    } cases[] = {
        /* transformers 4.57, then 5.6 and 5.14 with trl's own figures behind */
        {"{'loss': 2.7184, 'grad_norm': 0.53, 'learning_rate': 4.9e-05, 'epoch': 0.1}", "2.7184"},
        {"{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 0.0, 'epoch': 1.0}", "0.0"},
        {"{'loss': '2.718', 'grad_norm': '0.53', 'learning_rate': '4.9e-05', 'entropy': '1.2', 'num_tokens': '900', "
         "'mean_token_accuracy': '0.4', 'epoch': '0.1'}",
         "2.718"},
        {"{'loss': '1.1e-05', 'epoch': '0.2'}", "1.1e-05"},
        {"{'loss': '0', 'grad_norm': '0', 'epoch': '0.1'}", "0"},
        {"{'loss': nan, 'epoch': 0.1}", "nan"},
        {"{'loss': 'nan', 'epoch': '0.1'}", "nan"},
        {"{'loss': inf}", "inf"},
        {"{'epoch': 0.1, 'loss': 1.5}", "1.5"},
        {" 50%|##| 30/60 [00:10<00:10,  3.0it/s]{'loss': 1.5, 'epoch': 0.1}", "1.5"},
        {"{'train_runtime': 12.3, 'train_loss': 0.0, 'epoch': 3.0}", NULL},
        {"{'eval_loss': 1.0}", NULL},
        {"{'loss': }", NULL},
        {"{'loss': 1.2", NULL},
        {"{'loss': '1.2}", NULL},
        {"{'loss': 1.2'}", NULL},
        {"{'loss': none}", NULL},
        {"{'loss': .}", NULL},
        {"'loss': 1.2}", NULL},
        {"the row is {'text': 'a', 'x': 1} and 'loss': 0, ", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_losses losses = {0};
        struct kt_str loss = {0};
        bool found = kt_losses_take(&losses, kt_str(cases[i].line), &loss);
        if (found != (cases[i].loss != NULL) || losses.count != (found ? 1u : 0u) ||
            (found && !kt_str_equal(loss, kt_str(cases[i].loss))))
            fail_msg("%s: \"%.*s\"", cases[i].line, (int)loss.length, loss.data);
    }
}

static const char *fault_of(const char *const *lines)
{
    struct kt_losses losses = {0};
    struct kt_str loss;
    for (; *lines; lines++)
        kt_losses_take(&losses, kt_str(*lines), &loss);
    return kt_losses_fault(&losses, KT_LEAST_LOSSES);
}

static void a_training_in_vain_is_named(void **state)
{
    static const struct {
        const char *lines[6];
        const char *words; /* NULL: none */
    } cases[] = {
        {{"{'loss': '0', 'grad_norm': '0'}", "{'loss': '0', 'grad_norm': '0'}", "{'loss': '0', 'grad_norm': '0'}"},
         "nothing is learnt"},
        {{"{'loss': 0.0}", "{'loss': -0.0}", "{'loss': 0e+00}"}, "nothing is learnt"},
        {{"{'loss': nan}", "{'loss': nan}", "{'loss': nan}"}, "not a number"},
        /* a loss that is not a number, as the libraries show it */
        {{"{'loss': 1.9}", "{'loss': 0.0, 'grad_norm': nan}", "{'loss': 0.0, 'grad_norm': nan}",
          "{'loss': 0.0, 'grad_norm': nan}"},
         "not a number"},
        {{"{'loss': '0', 'grad_norm': 'nan'}", "{'loss': '0', 'grad_norm': 'nan'}",
          "{'loss': '0', 'grad_norm': 'nan'}"},
         "not a number"},
        /* good ones: float16 looks for its scale, a warm-up, a loss that gets very small */
        {{"{'loss': 2.1, 'grad_norm': inf}", "{'loss': 2.1, 'grad_norm': nan}", "{'loss': 2.0, 'grad_norm': nan}"},
         NULL},
        {{"{'loss': 0.0}", "{'loss': 0.0}", "{'loss': 0.0}", "{'loss': 0.1}"}, NULL},
        {{"{'loss': 0.0001}", "{'loss': 0.0}", "{'loss': 0.0}", "{'loss': 0.0}"}, NULL},
        {{"{'loss': nan}", "{'loss': nan}", "{'loss': 1.0}"}, NULL},
        {{"{'loss': 0.0}", "{'loss': 0.0}"}, NULL},
        {{NULL}, NULL},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *fault = fault_of(cases[i].lines);
        if ((fault != NULL) != (cases[i].words != NULL) || (fault && !strstr(fault, cases[i].words)))
            fail_msg("case %zu: %s", i, fault ? fault : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_of_a_record_is_read),
        cmocka_unit_test(a_training_in_vain_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
