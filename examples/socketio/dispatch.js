// Socket.IO's events by name, and rooms that the backend joins and leaves, on Sluice's module.

import { Sluice } from './sluice.js';

export function connect(url, options) {
  const [handlers, rooms] = [new Map(), new Map()];
  const on = (event, handler) => handlers.set(event, handler);
  const join = (room) => {
    const earlier = rooms.get(room);
    rooms.set(room, sluice.subscribe(room)); // again, as it may have been refused
    earlier?.();
  };
  const leave = (room) => {
    rooms.get(room)?.();
    rooms.delete(room);
  };
  const onMessage = (message, { channel }) => {
    const binary = typeof message !== 'string';
    const { event, data } = binary ? { event: 'binary', data: message } : JSON.parse(message);
    handlers.get(event)?.(data, channel);
  };
  const sluice = new Sluice(url, { ...options, onMessage });
  on('join', join);
  on('leave', leave);
  return { on, join, leave, close: () => sluice.close() };
}
