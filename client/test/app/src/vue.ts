import { computed, createApp, defineComponent, h, ref } from 'vue';
import { usePresence, useSluice } from 'sluice-client/vue';
import { query, sluice } from './connection';

const Upload = defineComponent({
  props: { id: { type: String, required: true } },
  setup(props) {
    const { data, state } = useSluice(sluice, () => `upload:${props.id}`);
    const percent = computed<number>(() => (typeof data.value === 'string' ? JSON.parse(data.value).progress_percent : 0));
    return () => h('p', { class: 'upload', title: state.value.name }, `${props.id}: ${percent.value} %`);
  },
});

const Present = defineComponent({
  props: { id: { type: String, required: true } },
  setup(props) {
    const presence = usePresence(sluice, () => `upload:${props.id}`);
    return () => h('em', presence.value?.users.join(', ') ?? 'unknown');
  },
});

const Notes = defineComponent({
  props: { user: { type: String, required: true } },
  setup(props) {
    const notes = ref<string[]>([]);
    const gaps = ref(0);
    useSluice(sluice, `user:${props.user}`, {
      own: true,
      onMessage: (data) => notes.value.push(String(data)),
      onGap: () => gaps.value++,
    });
    return () => [
      h('ul', notes.value.map((note) => h('li', note))),
      h('output', `${gaps.value} gaps`),
    ];
  },
});

const App = defineComponent(() => {
  const id = ref(query.get('upload') ?? '');
  const more = ref(false);
  return () => [
    h(Upload, { id: id.value }),
    more.value ? h(Upload, { id: id.value }) : null,
    h(Present, { id: id.value }),
    h(Notes, { user: query.get('user') ?? '' }),
    h('button', { onClick: () => (more.value = true) }, 'More'),
    h('button', { onClick: () => (id.value = query.get('next') ?? '') }, 'Next'),
  ];
});

createApp(App).mount('#app');

// Compiled, not run: the types reject these.
export function mistakes() {
  // @ts-expect-error a channel must be text
  useSluice(sluice, ref(42));
  // @ts-expect-error no such option
  const { data } = useSluice(sluice, 'upload:42', { onmessage: () => {} });
  // @ts-expect-error the server may not have told yet
  usePresence(sluice, 'upload:42').value.users;
  // @ts-expect-error there may be no publication yet
  return data.value.length;
}
