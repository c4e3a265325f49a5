/** What the page says, in each language. */
const TEXTS = {
  en: {
    skip: "Skip to the cameras", connecting: "Connecting…", connected: "Live", lost: "The connection is lost; trying again…", refused: "The node lets nobody look ({reason}); trying again…",
    language: "Language", theme: "Theme", system: "System", light: "Light", dark: "Dark",
    cameras: "Cameras", none: "No picture yet. The first one shows here as soon as a camera is captioned.",
    on: "captioning", off: "paused", offline: "no picture", starting: "waiting for its first picture", obstructed: "the picture shows nothing",
    pause: "Pause", resume: "Resume", trigger: "Caption now", held: "Held while you look at a word",
    words: "Words of the caption of {camera}. The arrow keys show where each was seen.",
    picture: "Newest picture of {camera}: {caption}",
    confidence: "Confidence", doubtful: "{sure}, doubtful", age: "Age", latency: "Latency", dropped: "Skipped",
    history: "History", search: "Search", camera: "Camera", all: "All", found: "{count} found", newest: "The newest {count}",
    health: "Health", chart: "{name}: {value} now, lowest {low}, highest {high}",
    rate: "Captions a second", memory: "Memory", waiting: "Waiting for the broker", temperature: "Temperature", processor: "Processor",
    "latency of": "Latency, {camera}", "confidence of": "Confidence, {camera}", failed: "That did not work: {reason}",
    kept: "in the history on this device", "not kept": "of this start; run with --history to keep captions",
    camera_lost: "Camera lost", camera_back: "Camera back", camera_obstructed: "Shows nothing", camera_clear: "Shows something again",
    update_begun: "Model update begun", update_done: "Model updated", update_failed: "Model update failed", update_rolled_back: "Model update taken back",
    alert: "Alert: {alert} at {camera}, {time}: {caption}", "alert of": "Alert {alert}: {caption}", dismiss: "Dismiss", "dismiss alert": "Dismiss: {alert} at {camera}",
    masks: "Masks", board: "Picture of {camera}: arrow keys move the cross, Space sets a corner, Enter closes the shape, Escape drops it",
    "how to draw": "Hide a part of the picture from everybody: drag a rectangle, or click the corners of a shape and then its first corner.",
    keys: "With the keyboard: arrows move the cross (Shift: faster), Space sets a corner, Enter closes the shape, Backspace takes a corner back, Escape drops it.",
    clear: "Remove all", "from settings": "As in the settings", done: "Done", "remove mask": "Remove mask {number} ({left}–{right}% across, {top}–{bottom}% down)",
    "mask added": "The mask is saved.", "mask removed": "The mask is removed.", cleared: "All masks are removed.", "as in the settings": "The masks are those of the settings.",
    corner: "Corner {number} at {x}% across, {y}% down", at: "{x}% across, {y}% down", "too small": "That is too small; draw it larger.", "too few corners": "Set two corners for a rectangle, or more for another shape.",
  },
  zh: {
    skip: "跳到摄像头", connecting: "正在连接…", connected: "实时", lost: "连接已断开,正在重试…", refused: "节点拒绝连接({reason}),正在重试…",
    language: "语言", theme: "主题", system: "跟随系统", light: "浅色", dark: "深色",
    cameras: "摄像头", none: "还没有画面。摄像头有了第一句描述后,画面会显示在这里。",
    on: "正在描述", off: "已暂停", offline: "没有画面", starting: "等待第一幅画面", obstructed: "画面中看不到内容",
    pause: "暂停", resume: "继续", trigger: "立即描述", held: "查看词语时画面停住",
    words: "{camera} 的描述中的词语。用方向键查看每个词对应的位置。",
    picture: "{camera} 的最新画面:{caption}",
    confidence: "置信度", doubtful: "{sure},存疑", age: "画面时间", latency: "耗时", dropped: "跳过的帧",
    history: "历史", search: "搜索", camera: "摄像头", all: "全部", found: "找到 {count} 条", newest: "最新 {count} 条",
    health: "运行状况", chart: "{name}:当前 {value},最低 {low},最高 {high}",
    rate: "每秒描述数", memory: "内存", waiting: "等待发送", temperature: "温度", processor: "处理器",
    "latency of": "耗时,{camera}", "confidence of": "置信度,{camera}", failed: "操作失败:{reason}",
    kept: "(本机历史记录)", "not kept": "(本次启动以来;用 --history 运行可保留)",
    camera_lost: "摄像头断开", camera_back: "摄像头恢复", camera_obstructed: "看不到内容", camera_clear: "又能看到内容",
    update_begun: "模型开始更新", update_done: "模型已更新", update_failed: "模型更新失败", update_rolled_back: "模型更新已撤回",
    alert: "警报:{camera} {alert},{time}:{caption}", "alert of": "警报 {alert}:{caption}", dismiss: "关闭", "dismiss alert": "关闭:{camera} 的 {alert}",
    masks: "遮挡", board: "{camera} 的画面:方向键移动十字,空格键设置角点,回车键完成形状,Esc 键放弃",
    "how to draw": "对所有人隐藏画面的一部分:拖出一个矩形,或依次点击形状的角点,最后点击第一个角点。",
    keys: "用键盘:方向键移动十字(按住 Shift 更快),空格键设置角点,回车键完成形状,退格键取消一个角点,Esc 键放弃。",
    clear: "全部删除", "from settings": "恢复为设置中的遮挡", done: "完成", "remove mask": "删除遮挡 {number}(横向 {left}–{right}%,纵向 {top}–{bottom}%)",
    "mask added": "遮挡已保存。", "mask removed": "遮挡已删除。", cleared: "所有遮挡已删除。", "as in the settings": "已恢复为设置中的遮挡。",
    corner: "角点 {number}:横向 {x}%,纵向 {y}%", at: "横向 {x}%,纵向 {y}%", "too small": "太小了,请画大一些。", "too few corners": "矩形需要两个角点,其他形状需要更多。",
  },
};

let language = "en";

/** Return a text in the language of the moment, with its {names} filled in. */
export function say(key, values = {}) {
  return (TEXTS[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Put the fixed texts below an element into the language of the moment. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
}

/** Choose the language of the whole page. */
export function speak(chosen) {
  language = chosen in TEXTS ? chosen : "en";
  document.documentElement.lang = language;
  translate(document);
}

export function locale() {
  return language;
}
