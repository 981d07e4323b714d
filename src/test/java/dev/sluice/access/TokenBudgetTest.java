package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TokenBudgetTest {

    @Test
    void tokensAreBoundedInNumberAndCharacters() {
        TokenBudget budget = new TokenBudget(2, 100);
        assertThat(budget.enter(60)).isTrue();
        assertThat(budget.enter(41)).isFalse();
        assertThat(budget.enter(40)).isTrue();
        budget.leave(60);
        assertThat(budget.enter(10)).isTrue();
        assertThat(budget.enter(10)).as("two are there").isFalse();
        assertThat(budget.enter(Integer.MAX_VALUE)).isFalse();
    }
}
